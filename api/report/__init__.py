"""The report of a campaign: one document of sections, as an HTML file that needs nothing else, and as PDF."""
