# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A Django project in one file with Django OAuth Toolkit as its only application: dot_app.py PORT FOLDER."""

import os
import sys

import django
from django.conf import settings

settings.configure(
    DEBUG=False, SECRET_KEY="of-the-scenarios-and-of-nobody-else-0123", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "oauth2_provider.middleware.OAuth2TokenMiddleware"],
    AUTHENTICATION_BACKENDS=["oauth2_provider.backends.OAuth2Backend", "django.contrib.auth.backends.ModelBackend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(sys.argv[2], "db.sqlite3")}},
    USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    OAUTH2_PROVIDER={"SCOPES": {"read": "read", "write": "write", "introspection": "introspect"},
                     "ACCESS_TOKEN_EXPIRE_SECONDS": 600})
django.setup()

from django.core.management import call_command  # noqa: E402  (Django wants its settings first)
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    for client in ("app", "rs"):
        Application.objects.create(client_id=client, client_secret=client + "-secret", client_type="confidential",
                                   authorization_grant_type="client-credentials", name=client)
    call_command("runserver", "127.0.0.1:" + sys.argv[1], "--noreload")
