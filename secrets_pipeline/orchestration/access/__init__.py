"""Who can read: the checks that prove it, and the job that narrows policies again."""
