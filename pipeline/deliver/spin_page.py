# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page that turns a product: by drag, touch, keyboard and by itself. Nothing in it comes from elsewhere but the views beside it."""

from __future__ import annotations

import json
from html import escape

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>
html,body{{margin:0;height:100%;background:#fff;font:15px/1.4 system-ui,sans-serif;color:#333}}
#spin{{position:relative;width:min(100vw,calc(100vh - 48px));aspect-ratio:1;margin:0 auto;touch-action:pan-y;cursor:grab;user-select:none}}
#spin:active{{cursor:grabbing}}#spin:focus-visible{{outline:3px solid #2a6fdb;outline-offset:-3px}}
#spin img{{width:100%;height:100%;object-fit:contain;pointer-events:none;display:block}}
p{{margin:0;height:48px;display:flex;gap:16px;align-items:center;justify-content:center}}button{{font:inherit;padding:4px 14px}}
</style></head><body>
<div id="spin" tabindex="0" role="slider" aria-label="{label}" aria-valuemin="0" aria-valuemax="359" aria-valuenow="0" aria-valuetext="0 degrees">
<img src="{first}" alt="{label}" draggable="false"></div>
<p><button id="turn" aria-pressed="false">Turn</button><span>Drag, or use the arrow keys</span></p>
<script>
"use strict";
const names={names},spin=document.getElementById("spin"),shown=spin.querySelector("img"),button=document.getElementById("turn");
const views=names.map(()=>null);let view=0,timer=0,start=null;
function load(number){{
  const at=(number%names.length+names.length)%names.length;
  if(!views[at]){{views[at]=new Image();views[at].src=names[at];views[at].onload=()=>{{if(at===view)shown.src=names[at]}}}}
  return views[at];
}}
function show(number){{
  view=(number%names.length+names.length)%names.length;
  const image=load(view);
  if(image.complete)shown.src=names[view];
  for(const near of[1,-1,2,-2])load(view+near);
  const degrees=Math.round(view*360/names.length);
  spin.setAttribute("aria-valuenow",degrees);spin.setAttribute("aria-valuetext",degrees+" degrees");
}}
function turn(on){{
  clearInterval(timer);timer=on?setInterval(()=>show(view+1),Math.max(40,4000/names.length)):0;
  button.textContent=on?"Stop":"Turn";button.setAttribute("aria-pressed",String(on));
}}
button.onclick=()=>turn(!timer);
spin.addEventListener("pointerdown",event=>{{turn(false);start={{x:event.clientX,view}};spin.setPointerCapture(event.pointerId)}});
spin.addEventListener("pointermove",event=>{{
  if(start)show(start.view+Math.round((event.clientX-start.x)/spin.clientWidth*names.length));
}});
for(const name of["pointerup","pointercancel"])spin.addEventListener(name,()=>start=null);
spin.addEventListener("keydown",event=>{{
  const step={{ArrowRight:1,ArrowLeft:-1,ArrowUp:1,ArrowDown:-1,PageUp:names.length/4|0,PageDown:-(names.length/4|0)}}[event.key];
  if(step)show(view+step);else if(event.key==="Home")show(0);else if(event.key==="End")show(names.length-1);
  else if(event.key===" ")turn(!timer);else return;
  if(event.key!==" ")turn(false);event.preventDefault();
}});
show(0);
</script></body></html>
"""


def spin_page(product: str, names: list[str]) -> str:
    """``names``: of the views beside the page, in the order in which they follow each other."""
    label = escape(f"{product}, all the way round", quote=True)
    # In a script "<" could begin the tag that ends it.
    listed = json.dumps(names).replace("<", "\\u003c")
    return _PAGE.format(title=escape(product), label=label, first=escape(names[0], quote=True), names=listed)
