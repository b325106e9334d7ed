"""Pure decisions: what was read goes in, what is to be written comes out. No I/O, no clock, no randomness."""
