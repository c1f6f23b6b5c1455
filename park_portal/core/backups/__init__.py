"""Backups: everything that must be kept, checked before it says done, and the way back."""
