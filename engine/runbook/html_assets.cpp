#include "engine/runbook/html_assets.h"

namespace falsework::runbook {

std::string_view page_style() {
  return R"css(
:root{color-scheme:light dark;--page:#fff;--ink:#1c2127;--soft:#586069;--line:#d5dae0;--field:#f5f7f9;--link:#0b57b0;
--lock:#8a4b00;--lock-field:#fff3e0;--gate:#6b4e00;--gate-field:#fff8d6;--danger:#a3161f;--danger-field:#fdecec;
--good:#17633a;--good-field:#e6f5ec;--note-field:#eaf2fd}
@media (prefers-color-scheme:dark){:root{--page:#14181d;--ink:#e4e8ec;--soft:#a3adb8;--line:#38414b;--field:#1e242b;
--link:#7db5ff;--lock:#ffbe76;--lock-field:#3a2a14;--gate:#f2d36b;--gate-field:#352d10;--danger:#ff9a9a;
--danger-field:#3d1b1d;--good:#86dba8;--good-field:#15301f;--note-field:#182a41}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,
"Liberation Sans",sans-serif;overflow-wrap:anywhere}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,button:focus-visible,.graph:focus-visible{outline:3px solid var(--link);
outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem;z-index:1}
.page{display:grid;grid-template-columns:minmax(0,1fr);max-width:88rem;margin:0 auto;padding:0 1rem 4rem}
main{min-width:0}
nav{font-size:.9rem}
nav ol{list-style:none;margin:0;padding:0}
nav li{padding:.12rem 0}
nav .sub{padding-left:.9rem}
nav a{text-decoration:none;display:inline-block;padding:.1rem 0}
nav a:hover{text-decoration:underline}
nav summary{cursor:pointer;font-weight:600;padding:.6rem 0}
h1{font-size:1.9rem;line-height:1.2;margin:1.6rem 0 .4rem;letter-spacing:-.01em}
h2{font-size:1.4rem;line-height:1.25;margin:2.8rem 0 .7rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:1.12rem;margin:1.8rem 0 .5rem}
h4{font-size:1rem;margin:0;display:inline;font-weight:600}
p{margin:.6rem 0}
main>p,main>section>p,main>section>ul{max-width:50rem}
main>ul:first-of-type{list-style:none;padding:0;font-size:1.2rem}
ul{padding-left:1.3rem;margin:.6rem 0}
li{margin:.25rem 0}
code{font:.88em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;background:var(--field);
border-radius:3px;padding:.08em .3em}
pre{background:var(--field);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;margin:.6rem 0;
white-space:pre-wrap;font-size:.95em}
pre code{background:none;padding:0}
table{border-collapse:collapse;width:100%;margin:.8rem 0;font-size:.94rem}
th,td{text-align:left;vertical-align:top;padding:.42rem .7rem .42rem 0;border-bottom:1px solid var(--line)}
td:first-child{min-width:7rem}
td:last-child{min-width:5rem}
td[data-label="Ended"],td[data-label="At"],td[data-label="When"]{min-width:8.5rem}
td[data-label="What"]{min-width:6.5rem}
td[data-label="Took"],td[data-label="State"],td[data-label="Rows"]{white-space:nowrap}
thead th{overflow-wrap:normal;color:var(--soft);font-weight:600;font-size:.85rem}
tbody th{width:13rem;color:var(--soft);font-weight:600}
.callout{border-left:4px solid var(--link);background:var(--note-field);padding:.55rem .9rem;margin:.7rem 0;
border-radius:0 5px 5px 0}
.callout.warning{border-color:var(--gate);background:var(--gate-field)}
.callout.caution{border-color:var(--danger);background:var(--danger-field)}
.check{list-style:none;padding:0}
.check li{margin:.35rem 0}
.check label{display:flex;gap:.6rem;align-items:baseline}
.check input{flex:none;width:1.1em;height:1.1em;accent-color:var(--link);transform:translateY(.15em)}
.badge{display:inline-block;font-size:.78rem;font-weight:600;line-height:1.35;border-radius:99px;padding:.12rem .6rem;
margin:.1rem .1rem .1rem 0;background:var(--field);color:var(--soft);border:1px solid transparent}
.badge.lock{background:var(--lock-field);color:var(--lock)}
.badge.gate{background:var(--gate-field);color:var(--gate)}
.badge.danger{background:var(--danger-field);color:var(--danger)}
.badge.good{background:var(--good-field);color:var(--good)}
h1+.badges{margin:.4rem 0 1rem}
h1+.badges .badge{font-size:.95rem;padding:.25rem .9rem}
details.step{border:1px solid var(--line);border-radius:7px;margin:.55rem 0;padding:0 1rem}
details.step[open]{padding-bottom:.8rem}
details.step>summary{cursor:pointer;margin:0 -1rem;padding:.55rem 1rem;display:flex;flex-wrap:wrap;gap:.15rem .7rem;
align-items:baseline;list-style:none}
details.step>summary::-webkit-details-marker{display:none}
details.step>summary h4{flex:1 1 22rem}
details.step>summary h4::before{content:"\25B8";display:inline-block;width:1.1em;color:var(--soft)}
details.step[open]>summary h4::before{content:"\25BE"}
details.step:target{border-color:var(--link);box-shadow:0 0 0 1px var(--link)}
.tools{display:flex;flex-wrap:wrap;gap:.6rem;margin:.8rem 0}
.tools[hidden]{display:none}
button{font:inherit;font-size:.9rem;color:var(--ink);background:var(--field);border:1px solid var(--line);
border-radius:5px;padding:.3rem .8rem;cursor:pointer}
.time{list-style:none;margin:1rem 0;padding:0 0 0 1.5rem;border-left:3px solid var(--line)}
.time>li{position:relative;margin:0 0 1.15rem}
.time>li::before{content:"";position:absolute;left:calc(-1.5rem - 9.5px);top:.35rem;width:12px;height:12px;
border-radius:50%;background:var(--page);border:3px solid var(--link)}
.time>.gate::before{border-color:var(--gate);border-radius:2px;transform:rotate(45deg)}
.time>.last::before{border-color:var(--danger);background:var(--danger)}
.time p{margin:.1rem 0}
.time .what{font-weight:600}
.time .more{color:var(--soft);font-size:.94rem}
.time .last{color:inherit}
.time .last .undo{color:var(--danger);font-weight:600}
.graph{overflow-x:auto;border:1px solid var(--line);border-radius:7px;padding:.6rem;margin:.8rem 0}
.graph svg{display:block;width:100%;height:auto;margin:0 auto}
svg text{font:11px ui-sans-serif,"Helvetica Neue",Arial,"Liberation Sans",sans-serif;fill:var(--ink);text-anchor:middle}
svg text.phase{text-anchor:start;fill:var(--soft);font-weight:600}
svg .group{fill:var(--field);stroke:var(--line)}
svg .shape{fill:var(--page);stroke:var(--soft)}
svg .line,svg .edge{fill:none;stroke:var(--soft)}
svg .arrow{fill:var(--soft)}
svg .gate .shape{stroke:var(--gate);stroke-width:2;stroke-dasharray:5 4}
svg .irreversible .shape{stroke:var(--danger);stroke-width:3}
svg a:hover .shape,svg a:focus-visible .shape{stroke:var(--link);stroke-width:3}
svg a:focus-visible{outline:none}
@media (min-width:70rem){
.page{grid-template-columns:15.5rem minmax(0,1fr);gap:2.6rem}
nav{position:sticky;top:0;max-height:100vh;overflow-y:auto;align-self:start;padding:1.6rem 0}
}
@media (max-width:44rem){
h1{font-size:1.5rem}
table,tbody,tr,td,tbody th{display:block;width:auto}
thead{position:absolute;left:-999rem}
tr{border-bottom:1px solid var(--line);padding:.45rem 0}
th,td,td:first-child,td:last-child{border:0;padding:.12rem 0;min-width:0}
td[data-label]:not([data-label=""])::before{content:attr(data-label);display:block;color:var(--soft);font-size:.8rem;
font-weight:600}
td:empty::after{content:"\2014";color:var(--soft)}
}
@media print{
:root{color-scheme:light;--page:#fff;--ink:#000;--soft:#444;--line:#bbb;--field:#f6f6f6;--link:#000;--lock:#000;
--lock-field:#eee;--gate:#333;--gate-field:#f4f4f4;--danger:#000;--danger-field:#eee;--good:#000;--good-field:#eee;
--note-field:#f4f4f4}
body{font-size:10.5pt}
nav,.tools,.skip{display:none}
.page{display:block;max-width:none;padding:0}
#changes{break-before:page}
h2,h3,summary{break-after:avoid}
tr,.callout,.time>li{break-inside:avoid}
details.step>summary h4::before{content:""}
.graph{overflow:visible}
.graph svg{min-width:0!important;max-width:100%;max-height:24cm}
a{text-decoration:none}
}
)css";
}

std::string_view page_script() {
  return R"js(
(() => {
  const steps = [...document.querySelectorAll('details.step')];
  const all = (open) => steps.forEach((step) => { step.open = open; });
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const step = target && target.closest('details.step');
    if (!step) return;
    step.open = true;
    step.scrollIntoView();
  };
  const tools = document.querySelector('.tools');
  if (tools) {
    tools.hidden = false;
    const [unfold, fold] = tools.querySelectorAll('button');
    unfold.addEventListener('click', () => all(true));
    fold.addEventListener('click', () => all(false));
  }
  const contents = document.querySelector('nav details');
  if (contents && matchMedia('(max-width: 69.99rem)').matches) contents.open = false;
  all(false);
  reveal();
  addEventListener('hashchange', reveal);
  let before = [];
  addEventListener('beforeprint', () => { before = steps.map((step) => step.open); all(true); });
  addEventListener('afterprint', () => { steps.forEach((step, i) => { step.open = before[i]; }); });
})();
)js";
}

}  // namespace falsework::runbook
