"""Recognizing many files: the job, its execution, its progress."""
