"""The two sides of a pair, each in a process and, for a peer, an environment of its own.

`NAME.txt` pins an environment (`make peers` installs it as .venv-peers/NAME). `side.py` is what
every side does; `ours.py` and `of_*.py` are the jobs. The modules `of_*` and `side` import nothing
but the standard library and the peer: corpusmith isn't installed where they run.
"""
