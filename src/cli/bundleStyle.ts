/** What the page of a bundle has beyond a report's. */
export const BUNDLE_STYLE = `
:root{--good:#1b7f3b;--unsure:#8a6100;--box:#f4f6f8}
@media(prefers-color-scheme:dark){:root{--good:#7bd88f;--unsure:#f2c14e;--box:#1f2326}}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
code,pre,dd,#lines{overflow-wrap:anywhere}
code,pre,#lines,textarea{font:.85rem/1.45 ui-monospace,monospace}
pre{background:var(--box);padding:.6rem .8rem;white-space:pre-wrap;border-radius:4px}
.good{color:var(--good)}.unsure{color:var(--unsure)}
#verdict{padding:.6rem .8rem;border-left:.3rem solid var(--unsure);background:var(--box);font-weight:600}
#verdict[data-verdict=holds]{border-color:var(--good);color:var(--good)}
#verdict[data-verdict=whole]{border-color:var(--good)}
#verdict[data-verdict=broken],#verdict[data-verdict=unknown]{border-color:var(--bad);color:var(--bad)}
dl{margin:.6rem 0;display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem}
dt{font-weight:600}dd{margin:0}
#findings{list-style:none;padding:0}#findings p{font-weight:normal;color:var(--ink);margin:0 0 0 1rem;overflow-wrap:anywhere}
textarea{width:100%;padding:.4rem;color:inherit;background:var(--box);border:1px solid var(--line)}
button{font:inherit;padding:.3rem .9rem;color:inherit;background:var(--box);border:1px solid var(--dim);border-radius:4px;cursor:pointer}
summary{cursor:pointer;margin:.6rem 0}.told>summary{font-size:1.1rem;font-weight:600}
#lines li{margin:.4rem 0}
@media(max-width:45rem){dl{display:block}dd{margin:0 0 .5rem}}
`;
