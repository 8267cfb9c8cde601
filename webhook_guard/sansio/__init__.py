"""The core: no I/O, no clock, no logging, no framework; bytes, pairs and numbers in, values out."""
