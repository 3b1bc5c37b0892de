"""What a campaign is: its loop, its replay, its estimate and its figures."""
