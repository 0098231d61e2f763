"""HTTP: the page, the REST API, sign-in, uploads, the watch folder and metrics."""
