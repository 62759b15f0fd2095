# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run is, in plain Python: no bpy, no network.

Read ``chain.py`` first: it is the whole program in one function. The other files are the words it uses.
The six stages (``stages.STAGES``) have a file each, under the same names as in every other folder.
"""
