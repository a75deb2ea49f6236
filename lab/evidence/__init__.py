"""Evidence: what a learner has done, in one file; run again elsewhere, and a whole class on one page."""
