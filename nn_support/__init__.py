"""What a reader of the mathematics need not open: checks, memory, history, parallel runs, data.

Nothing here imports ``nn_core``, which imports from here. A network or an Experiment is used
only through its public methods and attributes.
"""
