// SPDX-License-Identifier: Apache-2.0
//
// A browser that does what it is told on its standard input: one JSON object a line, one answer a line.
//   {"new": {options of a browser context}}      a page of its own, with an empty profile
//   {"call": "page or keyboard.method", "args": [...]}   such as goto, click, fill, evaluate, waitForFunction
//   {"axe": true}                                what is hard to use for some people: [{id, nodes}]
"use strict";

const readline = require("node:readline");
const { chromium } = require("playwright-core");

const AXE = require.resolve("axe-core/axe.min.js");
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
const HANDLES = new Set(["waitForSelector", "waitForFunction", "goto", "reload", "goBack"]);
const LIMIT = 20000;

let browser, context, page;
let said = [];      // by the page: errors, and what its policy refused

async function newPage(options) {
    if (context) await context.close();
    context = await browser.newContext({ bypassCSP: false, ...options });
    page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    said = [];
    page.on("console", message => message.type() === "error" && said.push(message.text()));
    page.on("pageerror", error => said.push(String(error)));
    page.on("request", request => said.push("asks " + request.url()));
}

// The page's policy allows no other script, so this one comes through the driver.
async function judge() {
    await page.evaluate(require("node:fs").readFileSync(AXE, "utf8") + ";0");
    const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    return violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(node => node.target.join(" ") + ": " + node.failureSummary) }));
}

async function obey(order) {
    if (order.new) return newPage(order.new);
    if (order.axe) return judge();
    if (order.said) return said;
    const [target, method] = order.call.startsWith("keyboard.") ? [page.keyboard, order.call.slice(9)] : [page, order.call];
    const result = await target[method](...order.args);
    return HANDLES.has(order.call) ? (result && result.status ? result.status() : null) : result;
}

async function main() {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ARGUMENTS });
    for await (const line of readline.createInterface({ input: process.stdin })) {
        let answer;
        try {
            answer = { value: await obey(JSON.parse(line)) };
        } catch (error) {
            answer = { error: String(error) };
        }
        process.stdout.write(JSON.stringify(answer, (key, value) =>
            value instanceof Uint8Array || (value && value.type === "Buffer") ? null : value) + "\n");
    }
    await browser.close();
}

main();
