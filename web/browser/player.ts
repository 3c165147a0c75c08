/**
 * Plays a looped file as a live stream: everybody sees the same picture at the same time, because the
 * place in the file is the wall clock modulo its length. No seek bar; paused is behind, and "live" is
 * one press away.
 */

/** Further off than this, the player jumps; nearer, nobody sees it. */
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

/** What Safari on iPhones has in place of full screen for any element. */
type FullScreenVideo = HTMLVideoElement & { webkitEnterFullscreen?(): void };

/** Fills the screen and ends that again; undefined where the browser cannot, or the frame may not. */
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
    // A browser may refuse to play; the button then says so.
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
