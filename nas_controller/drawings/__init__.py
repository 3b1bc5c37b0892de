"""The figures of campaigns and trainings as SVG, for the dashboard, for downloads and for reports.

`campaign.campaign_figure` draws a figure by its name. Each drawing is a pure function from the numbers of a figure
(`nas_controller.campaigns.figures`) and a sheet (`sheet.Sheet`) to the text of an SVG document.
"""
