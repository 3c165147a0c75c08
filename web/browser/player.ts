/**
 * Plays a looped file as a live stream: all viewers see the same picture at the same time, because
 * the position in the file is the wall clock modulo its length. No seek bar; a paused player falls
 * behind, and "live" jumps back.
 */

/** The player jumps when it is further off than this; less is not noticeable. */
export const DRIFT_SECONDS_MAX = 0.75;
const CHECK_MS = 4000;
const CONTROLS_MS = 2600;

export function livePosition(nowMs: number, durationSeconds: number): number {
  return durationSeconds > 0 && Number.isFinite(durationSeconds)
    ? (nowMs / 1000) % durationSeconds
    : 0;
}

/** Whether the player is to jump. Over the seam of the loop the two are a whole length apart. */
export function isOff(currentSeconds: number, liveSeconds: number, length: number): boolean {
  const drift = Math.abs(currentSeconds - liveSeconds);
  return Math.min(drift, length - drift) > DRIFT_SECONDS_MAX;
}

/** Safari on iPhones has this in place of full screen for any element. */
type FullScreenVideo = HTMLVideoElement & { webkitEnterFullscreen?(): void };

/** Toggles full screen; undefined where the browser lacks it or the frame may not use it. */
function fullScreenOf(
  root: HTMLElement,
  video: FullScreenVideo,
): (() => Promise<void> | void) | undefined {
  if (typeof root.requestFullscreen === "function" && document.fullscreenEnabled)
    return () =>
      document.fullscreenElement === null ? root.requestFullscreen() : document.exitFullscreen();
  return typeof video.webkitEnterFullscreen === "function"
    ? () => video.webkitEnterFullscreen?.()
    : undefined;
}

export function startPlayer(root: HTMLElement): void {
  const video = root.querySelector("video");
  const [play, live, mute, full] = ["[data-play]", "[data-live]", "[data-mute]", "[data-full]"].map(
    (selector) => root.querySelector<HTMLButtonElement>(selector),
  );
  if (video === null || play == null || live == null || mute == null || full == null) return;

  function follow(): void {
    if (video === null || !Number.isFinite(video.duration)) return;
    const position = livePosition(Date.now(), video.duration);
    if (isOff(video.currentTime, position, video.duration)) video.currentTime = position;
  }

  function start(): void {
    follow();
    // A browser may refuse to play; the button then shows it.
    video?.play().catch(show);
  }

  function show(): void {
    if (video === null || play == null || mute == null || live == null) return;
    root.dataset["paused"] = String(video.paused);
    root.dataset["muted"] = String(video.muted);
    play.setAttribute(
      "aria-label",
      (video.paused ? play.dataset["playLabel"] : play.dataset["pauseLabel"]) ?? "",
    );
    mute.setAttribute(
      "aria-label",
      (video.muted ? mute.dataset["unmuteLabel"] : mute.dataset["muteLabel"]) ?? "",
    );
  }

  play.addEventListener("click", () => (video.paused ? start() : video.pause()));
  live.addEventListener("click", start);
  mute.addEventListener("click", () => {
    video.muted = !video.muted;
  });
  const toggleFull = fullScreenOf(root, video);
  full.hidden = toggleFull === undefined;
  full.addEventListener("click", () => {
    Promise.resolve(toggleFull?.()).catch((error: unknown) =>
      console.warn("no full screen here", error),
    );
  });
  video.addEventListener("click", () => (video.paused ? start() : video.pause()));
  for (const event of ["play", "pause", "volumechange"]) video.addEventListener(event, show);
  video.addEventListener("loadedmetadata", start);
  if (video.readyState >= HTMLMediaElement.HAVE_METADATA) start();
  setInterval(() => {
    if (!video.paused && !document.hidden) follow();
  }, CHECK_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !video.paused) follow();
  });

  let timer: ReturnType<typeof setTimeout> | undefined;
  const wake = (): void => {
    root.classList.add("awake");
    clearTimeout(timer);
    timer = setTimeout(() => root.classList.remove("awake"), CONTROLS_MS);
  };
  for (const event of ["pointermove", "pointerdown", "focusin"])
    root.addEventListener(event, wake, { passive: true });
  wake();
  show();
}
