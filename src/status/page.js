// SPDX-License-Identifier: Apache-2.0
//
// The page works without this. With it, it asks for itself again and again (mostly the answer is 304), takes over what
// is different, and follows its own links without a reload. All HTML comes from the server; nothing is made here.
(function () {
    "use strict";

    const EAGER = 2000, CALM = 15000, PATIENT = 60000, TYPING = 150;
    const FOLLOWED = "#tiles a, .domains thead a, #pager a, #problems .much, #found a";
    const UNITS = [[86400, "days"], [3600, "hours"], [60, "minutes"]];
    const pulse = document.getElementById("pulse");
    let etag = null, timer = 0, failures = 0, asking = null, typing = 0;

    // ---- Taking over what is different ------------------------------------------------------------------------------

    function isSame(old, fresh) {
        return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");
    }

    function takeAttributes(old, fresh) {
        for (const { name } of [...old.attributes])
            if (!fresh.hasAttribute(name)) old.removeAttribute(name);
        for (const { name, value } of fresh.attributes)
            if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }

    // Elements with an id stay themselves wherever they go, so that focus and selection stay, too.
    function takeChildren(old, fresh) {
        const known = new Map([...old.children].filter(child => child.id).map(child => [child.id, child]));
        let at = old.firstChild;
        for (const child of [...fresh.childNodes]) {
            const match = child.id ? known.get(child.id) : at && isSame(at, child) ? at : null;
            if (!match || !isSame(match, child)) {
                old.insertBefore(document.adoptNode(child), at);
                continue;
            }
            if (match === at) at = at.nextSibling;
            else old.insertBefore(match, at);
            take(match, child);
        }
        while (at) {
            const next = at.nextSibling;
            at.remove();
            at = next;
        }
    }

    function take(old, fresh) {
        if (old.nodeType !== Node.ELEMENT_NODE) {
            if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
            return;
        }
        if (old === document.activeElement && old.matches("input, select")) return;
        if (!old.isEqualNode(fresh)) {
            takeAttributes(old, fresh);
            takeChildren(old, fresh);
        }
        if (old.matches("input[type=search], select")) old.value = fresh.value;
    }

    function show(text) {
        const fresh = new DOMParser().parseFromString(text, "text/html");
        const main = fresh.querySelector("main");
        if (!main) throw new Error("this is another page");
        document.title = fresh.title;
        take(document.querySelector("link[rel=icon]"), fresh.querySelector("link[rel=icon]"));
        take(document.querySelector("main"), main);
        tick();
    }

    // ---- Asking -----------------------------------------------------------------------------------------------------

    function tell(isLost) {
        pulse.hidden = false;
        pulse.classList.toggle("lost", isLost);
        pulse.textContent = isLost ? "No answer, trying again" : "Live";
    }

    function pace() {
        if (failures) return Math.min(PATIENT, EAGER * 2 ** failures);
        return document.querySelector(".chip.renewing, .tile.renewing:not(.none)") ? EAGER : CALM;
    }

    function plan() {
        clearTimeout(timer);
        if (!document.hidden) timer = setTimeout(ask, pace());
    }

    async function ask() {
        const mine = asking = new AbortController();
        clearTimeout(timer);
        try {
            const headers = etag ? { "Accept": "text/html", "If-None-Match": etag } : { "Accept": "text/html" };
            const answer = await fetch(location.href, { headers, cache: "no-store", signal: mine.signal });
            if (answer.status !== 304) {
                if (!answer.ok && answer.status !== 404) throw new Error(answer.status);
                const text = await answer.text();
                if (mine !== asking) return;
                show(text);
                etag = (answer.headers.get("ETag") || "").replace(/-(gzip|br)"$/, "\"");     // added on the way
            }
            document.querySelector("#as-of time").textContent = answer.headers.get("Date") || new Date().toUTCString();
            failures = 0;
        } catch (error) {
            if (mine !== asking) return;
            failures += 1;
        }
        tell(failures > 0);
        plan();
    }

    function go(url, isTyped) {
        if (asking) asking.abort();
        etag = null;
        if (isTyped) history.replaceState(null, "", url);
        else history.pushState(null, "", url);
        return ask();
    }

    // ---- Times run on -----------------------------------------------------------------------------------------------

    function words(milliseconds) {
        const seconds = Math.floor(Math.abs(milliseconds) / 1000);
        for (const [length, name] of UNITS)
            if (seconds >= 2 * length) return Math.floor(seconds / length) + " " + name;
        return seconds + (seconds === 1 ? " second" : " seconds");
    }

    function tick() {
        const now = Date.now();
        for (const time of document.querySelectorAll("time.when")) {
            const left = Date.parse(time.dateTime) - now;
            const text = left > 0 ? "in " + words(left) : left > -5000 ? "now" : words(left) + " ago";
            if (time.textContent !== text) time.textContent = text;
        }
    }

    // ---- What the visitor does --------------------------------------------------------------------------------------

    function wanted() {
        const form = document.getElementById("find"), query = new URLSearchParams();
        for (const [name, value] of new FormData(form))
            if (value) query.append(name, value);
        return form.getAttribute("action") + (query.size ? "?" + query : "");
    }

    document.addEventListener("click", event => {
        const link = event.target.closest(FOLLOWED);
        if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(link.href, false);
    });
    document.addEventListener("submit", event => {
        if (event.target.id !== "find") return;
        event.preventDefault();
        clearTimeout(typing);
        go(wanted(), false);
    });
    document.addEventListener("input", event => {
        if (event.target.id !== "q") return;
        clearTimeout(typing);
        typing = setTimeout(() => go(wanted(), true), TYPING);
    });
    document.addEventListener("change", event => {
        if (event.target.id === "state") go(wanted(), false);
    });
    document.addEventListener("keydown", event => {
        const field = document.getElementById("q");
        if (event.key !== "/" || !field || event.target.matches("input, select, textarea")) return;
        event.preventDefault();
        field.focus();
    });
    document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : ask());
    window.addEventListener("popstate", () => {
        etag = null;
        ask();
    });

    document.documentElement.classList.add("is-live");
    tell(false);
    tick();
    setInterval(tick, 1000);
    plan();
})();
