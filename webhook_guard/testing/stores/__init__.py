"""The suite that holds any store to its contract.

conformance    the suite, for users: `StoreConformance`
promises       what one caller after another must get
races          what many must get at the same moment
suite          what checks are made of
driven         stores, sync or async, called in the same way
"""
