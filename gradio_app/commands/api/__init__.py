"""The service without a queue: LitServe runs a parser on each device. And its client, for whole folders."""
