# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One thing bought, from the request to the file, without ever paying twice. Runs in the child process."""
