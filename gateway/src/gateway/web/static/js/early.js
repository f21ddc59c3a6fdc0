// Before the first paint: what only makes sense with scripts may show.
document.documentElement.classList.add("js");
