"""Tests that state a property and let hypothesis look for the counterexample."""
