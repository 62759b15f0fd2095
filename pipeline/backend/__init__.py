# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the chain asks for and of whom: the two ports, the requests, and the backend that needs no service."""
