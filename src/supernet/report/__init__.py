"""What the studies say: rows of numbers, contrasts, verdicts, tables and figures. Pure functions, never torch."""
