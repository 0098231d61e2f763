"""Routes of other servers, for the clients that speak to those: each family a thin mapping onto tasks."""
