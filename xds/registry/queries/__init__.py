"""The stored queries of ITI-18, one file each, found by name.

Each file has a QUERY: its id, its parameters, and a function from their values to what the index answers.
Source: ITI TF-2: 3.18.4.1.2.3.7.
"""
