# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""File formats as bytes: glTF, PNG, EXR, and the headers of photos. Nothing here trusts a file."""
