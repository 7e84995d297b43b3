"""Loads the kernel of JSON Lines where it is imported, as a worker does before its first task."""

from corpusmith.kernels import jsontext

jsontext.warm()
