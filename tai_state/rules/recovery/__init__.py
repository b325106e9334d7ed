"""What was recorded, held against what should have been: machines run again over events."""
