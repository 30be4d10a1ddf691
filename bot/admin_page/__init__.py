"""`/admin`: the operator's page. There only where ADMIN_PASSWORD is set; a password, a cookie, no script."""
