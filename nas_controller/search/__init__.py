"""What is proposed and what is learned: the campaign document, policies, controller, outcomes, early stopping. Pure."""
