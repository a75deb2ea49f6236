"""The learner's tool of Beyond Cron, and the exercise extension of its pages."""
