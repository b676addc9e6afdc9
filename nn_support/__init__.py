"""What a reader of the mathematics need not open: checks, memory, history, parallel runs, data.

Nothing here knows the network; ``nn_core`` imports from here, never the reverse.
"""
