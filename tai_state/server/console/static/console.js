// Shows what is new without a reload: asks for one document now and then, and for the page once that has changed.
// Pages work without it.
"use strict";

(() => {
  const main = document.getElementById("main");
  let looks = 0;
  let isTouched = false;
  main.addEventListener("input", () => { isTouched = true; });

  const tellCost = () => {
    const told = document.getElementById("live-cost");
    if (told) told.textContent = `, and ${looks} more to see whether it has changed`;
  };

  // A form that somebody is at, and what he has opened to read, is not taken away from under his hands.
  const isBusy = () => isTouched || main.querySelector("details[open]") !== null;

  const show = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement && document.activeElement.id;
    main.replaceChildren(...document.importNode(fresh.getElementById("main"), true).childNodes);
    if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
    const cost = fresh.getElementById("cost");
    if (cost) document.getElementById("cost").textContent = cost.textContent;
  };

  const look = async () => {
    const live = document.getElementById("live");
    if (!live) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(live.dataset.look);
        if (answer.redirected || answer.status === 401 || answer.status === 403) return;
        if (answer.ok) {
          looks += Number(answer.headers.get("X-Documents-Read") || 0);
          tellCost();
          const version = await answer.text();
          if (version !== live.dataset.version) {
            if (isBusy()) {
              const news = document.getElementById("news");
              news.textContent = "It has changed meanwhile. ";
              const again = document.createElement("a");
              again.href = location.href;
              again.textContent = "Show it";
              news.append(again);
              news.hidden = false;
            } else {
              await show();
            }
          }
        }
      } catch {
        // The server does not answer: what is shown stays, and is asked for again.
      }
    }
    setTimeout(look, Number((document.getElementById("live") || live).dataset.seconds) * 1000);
  };

  if (document.getElementById("live")) setTimeout(look, Number(document.getElementById("live").dataset.seconds) * 1000);
})();
