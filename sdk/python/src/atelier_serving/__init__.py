"""The scoring worker: runs a deployment's init() and run() behind a Unix socket.

It runs inside users' environments, so it needs nothing but Python 3.8 and its
standard library. The contract with scripts is Azure Machine Learning's; the
contract with the router is in frames.py.
"""
