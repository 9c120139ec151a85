/** Style of the HTML report: one file, no network, light and dark, printable. */
export const REPORT_STYLE = `
:root{--ink:#1b1f27;--soft:#5c6573;--line:#d9dee6;--paper:#fff;--band:#eef1f5;--whole:#1c7c8c;--cut:#c26a1a;--open:#b3261e;--good:#1e7d4f;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#9aa5b4;--line:#333b47;--paper:#14181f;--band:#1d232c;--whole:#45b3c4;--cut:#e8944a;--open:#f2736b;--good:#5cc08f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.6 system-ui,"Noto Sans","Noto Sans JP","Hiragino Sans","Noto Sans CJK JP",sans-serif}
main{max-width:960px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:28px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:18px;margin:44px 0 10px}
p.lead{font-size:16px;max-width:68ch}p.note{color:var(--soft);max-width:78ch;margin:4px 0 14px}
.meta{color:var(--soft);margin:0 0 18px;overflow-wrap:anywhere}
.verdict{display:inline-block;padding:2px 12px;border-radius:99px;font-weight:600;color:#fff;background:var(--good)}.verdict.failed{background:var(--open)}
@media(prefers-color-scheme:dark){.verdict{color:#10141a}}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:24px 0}
.tile{background:var(--band);border-radius:10px;padding:14px 16px}.tile b{display:block;font-size:24px;line-height:1.2;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}
.scroll{overflow-x:auto}svg{width:100%;min-width:640px;height:auto;display:block}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--soft);font-weight:500;font-size:13px}
td.n{white-space:nowrap}td.bad{color:var(--open);font-weight:600}td.good{color:var(--good)}
svg text{font:12.5px system-ui,"Noto Sans","Noto Sans CJK JP",sans-serif;fill:var(--ink)}svg .tick{fill:var(--soft)}svg .value{font-variant-numeric:tabular-nums}
.bars{display:grid;grid-template-columns:max-content minmax(60px,1fr) max-content;gap:6px 12px;align-items:center;font-size:14px;font-variant-numeric:tabular-nums}
.bar{display:block;height:14px;min-width:3px;border-radius:3px}.bar.whole{background:var(--whole)}.bar.cut{background:var(--cut)}.bar.known{background:var(--good)}.bar.open{border:1.5px dashed var(--open)}
.lane{stroke:var(--line)}.waveband{fill:var(--line);opacity:.7}.cutband{fill:var(--cut);opacity:.18}
.mark.rule{fill:var(--whole)}.mark.address{fill:var(--cut)}.mark.publish{fill:var(--ink)}
.key{display:flex;flex-wrap:wrap;gap:6px 20px;color:var(--soft);font-size:13px;margin:6px 0 0}.key i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.i-whole{background:var(--whole)}.i-known{background:var(--good)}.i-cut{background:var(--cut)}.i-open{border:1.5px dashed var(--open)}
@media(max-width:640px){main{padding:24px 14px 60px}.bars{grid-template-columns:minmax(0,1fr) max-content;gap:2px 10px}.bars>span{grid-column:1/-1;margin-top:6px;font-size:13px}table{font-size:13.5px}th,td{padding:6px 10px 6px 0}.tile b{font-size:20px}.scroll{background:linear-gradient(90deg,var(--paper) 30%,transparent),linear-gradient(90deg,transparent,var(--paper) 70%) 100% 0,linear-gradient(90deg,var(--line),transparent),linear-gradient(270deg,var(--line),transparent) 100% 0;background-repeat:no-repeat;background-size:40px 100%,40px 100%,14px 100%,14px 100%;background-attachment:local,local,scroll,scroll}}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}tr,svg{break-inside:avoid}}
`
