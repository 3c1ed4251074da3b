"""The command `xds`.

May import: everything below `__main__`. One file per command, with a `command`; a file is imported when its command
is asked for, and what is large (server, database, TLS tools) when the command runs, so that `xds --help` is quick.

Exit status: 0 done; 1 the answer is negative (rejected, not found, a check failed); 2 the command line or the
configuration is wrong; 3 something that is needed can't be reached.
"""
