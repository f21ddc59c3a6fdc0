"""What a town's families can book, and what they have booked."""
