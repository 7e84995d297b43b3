"""Hot loops in Numba over Arrow buffers: arrays in, arrays out; no Arrow inside a kernel."""
