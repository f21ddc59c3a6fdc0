"""The JSON API, version 1: what outside clients and the pages' own tests are written against."""
