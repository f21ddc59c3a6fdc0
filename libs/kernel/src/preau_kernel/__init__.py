"""What every layer may know: money, identifiers, time, the caller's context and the error model. Standard library only."""
