# SPDX-License-Identifier: Apache-2.0
"""Parts to run a real httpd against a real ACME CA: servers, clients, load and store readers."""
