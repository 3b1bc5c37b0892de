"""Messages to webhooks: their payload, their signature, and their delivery."""
