/** The words of the pages, by language. The element has its own. */

import type { HttpRequest } from "@ovation/protocol";

const english = {
  tagline: "Live comments for live video",
  liveNow: "Live now",
  nothingLive: "Nothing is live right now",
  nothingLiveHint: "Videos appear here automatically when they start.",
  openDemo: "Open the comments of a video by its URL: /watch/your-video",
  live: "Live",
  watching: "{n} watching",
  likes: "{n} likes",
  comments: "{n} comments",
  home: "All live videos",
  skip: "Skip to the comments",
  theme: "Colours: automatic, light or dark",
  share: "Share",
  copied: "Copied",
  embed: "Embed",
  embedTitle: "Put the comments on your page",
  embedElement: "As an element",
  embedFrame: "As a frame",
  copy: "Copy",
  close: "Close",
  popOut: "Pop out",
  play: "Play",
  pause: "Pause",
  mute: "Mute",
  unmute: "Unmute",
  fullscreen: "Full screen",
  backToLive: "Back to live",
  noPicture: "No picture yet",
  noPictureHint: "The comments are open.",
  notFound: "Video not found",
  notFoundHint: "It may have ended, or the URL may have a typo.",
  failed: "Something went wrong",
  failedHint: "The videos could not be loaded. Try again in a moment.",
  noPage: "Page not found",
  noPageHint: "The URL may have a typo.",
  deleted: "This video was deleted",
  deletedHint: "Its host deleted it, with its comments and likes.",
  busy: "Too many requests",
  busyHint: "Your network has sent too many requests. Wait a moment, then reload the page.",
  closedHint: "Comments are closed.",
  continueAs: "Continue as {name}?",
};

export type PageKey = keyof typeof english;
type Words = Readonly<Record<PageKey, string>>;

const german: Words = {
  tagline: "Live-Kommentare für Live-Videos",
  liveNow: "Jetzt live",
  nothingLive: "Gerade ist nichts live",
  nothingLiveHint: "Videos erscheinen hier automatisch, sobald sie beginnen.",
  openDemo: "Die Kommentare eines Videos öffnen sich unter seiner Adresse: /watch/dein-video",
  live: "Live",
  watching: "{n} sehen zu",
  likes: "{n} Likes",
  comments: "{n} Kommentare",
  home: "Alle Live-Videos",
  skip: "Zu den Kommentaren",
  theme: "Farben: automatisch, hell oder dunkel",
  share: "Teilen",
  copied: "Kopiert",
  embed: "Einbetten",
  embedTitle: "Die Kommentare auf deiner Seite",
  embedElement: "Als Element",
  embedFrame: "Als Rahmen",
  copy: "Kopieren",
  close: "Schließen",
  popOut: "Eigenes Fenster",
  play: "Abspielen",
  pause: "Anhalten",
  mute: "Ton aus",
  unmute: "Ton an",
  fullscreen: "Vollbild",
  backToLive: "Zurück zu live",
  noPicture: "Noch kein Bild",
  noPictureHint: "Die Kommentare sind offen.",
  notFound: "Video nicht gefunden",
  notFoundHint: "Vielleicht ist es zu Ende, oder die Adresse hat einen Tippfehler.",
  failed: "Das hat nicht geklappt",
  failedHint: "Die Videos konnten nicht geladen werden. Versuch es gleich noch einmal.",
  noPage: "Seite nicht gefunden",
  noPageHint: "Vielleicht hat die Adresse einen Tippfehler.",
  deleted: "Dieses Video wurde gelöscht",
  deletedHint: "Es wurde mit seinen Kommentaren und Likes entfernt.",
  busy: "Zu viele Anfragen",
  busyHint:
    "Aus deinem Netz kamen mehr Anfragen als erlaubt. Warte einen Moment und lade die Seite neu.",
  closedHint: "Die Kommentare sind geschlossen.",
  continueAs: "Weiter als {name}?",
};

const spanish: Words = {
  tagline: "Comentarios en vivo para vídeo en vivo",
  liveNow: "En vivo ahora",
  nothingLive: "No hay nada en vivo ahora",
  nothingLiveHint: "Los vídeos aparecerán aquí automáticamente cuando empiecen.",
  openDemo: "Abre los comentarios de un vídeo por su dirección: /watch/tu-video",
  live: "En vivo",
  watching: "{n} viendo",
  likes: "{n} me gusta",
  comments: "{n} comentarios",
  home: "Todos los vídeos en vivo",
  skip: "Ir a los comentarios",
  theme: "Colores: automático, claro u oscuro",
  share: "Compartir",
  copied: "Copiado",
  embed: "Insertar",
  embedTitle: "Pon los comentarios en tu página",
  embedElement: "Como elemento",
  embedFrame: "Como marco",
  copy: "Copiar",
  close: "Cerrar",
  popOut: "Ventana aparte",
  play: "Reproducir",
  pause: "Pausar",
  mute: "Silenciar",
  unmute: "Activar sonido",
  fullscreen: "Pantalla completa",
  backToLive: "Volver al vivo",
  noPicture: "Aún no hay imagen",
  noPictureHint: "Los comentarios están abiertos.",
  notFound: "Vídeo no encontrado",
  notFoundHint: "Puede que haya terminado o que la dirección tenga un error.",
  failed: "No funcionó",
  failedHint: "No se pudieron cargar los vídeos. Inténtalo de nuevo en un momento.",
  noPage: "Página no encontrada",
  noPageHint: "Puede que la dirección tenga un error.",
  deleted: "Este vídeo se eliminó",
  deletedHint: "Su anfitrión lo eliminó, con sus comentarios y sus me gusta.",
  busy: "Demasiadas solicitudes",
  busyHint: "Tu red envió demasiadas solicitudes. Espera un momento y vuelve a cargar la página.",
  closedHint: "Los comentarios están cerrados.",
  continueAs: "¿Continuar como {name}?",
};

const arabic: Words = {
  tagline: "تعليقات مباشرة للبث المباشر",
  liveNow: "مباشر الآن",
  nothingLive: "لا يوجد بث مباشر الآن",
  nothingLiveHint: "تظهر الفيديوهات هنا تلقائيًا عندما تبدأ.",
  openDemo: "افتح تعليقات أي فيديو من عنوانه: ‎/watch/your-video",
  live: "مباشر",
  watching: "{n} يشاهدون",
  likes: "{n} إعجاب",
  comments: "{n} تعليق",
  home: "كل البث المباشر",
  skip: "انتقل إلى التعليقات",
  theme: "الألوان: تلقائي أو فاتح أو داكن",
  share: "مشاركة",
  copied: "تم النسخ",
  embed: "تضمين",
  embedTitle: "ضع التعليقات في صفحتك",
  embedElement: "كعنصر",
  embedFrame: "كإطار",
  copy: "نسخ",
  close: "إغلاق",
  popOut: "نافذة مستقلة",
  play: "تشغيل",
  pause: "إيقاف مؤقت",
  mute: "كتم الصوت",
  unmute: "تشغيل الصوت",
  fullscreen: "ملء الشاشة",
  backToLive: "العودة إلى المباشر",
  noPicture: "لا صورة بعد",
  noPictureHint: "التعليقات مفتوحة.",
  notFound: "هذا الفيديو غير موجود",
  notFoundHint: "ربما انتهى، أو في العنوان خطأ.",
  failed: "لم ينجح ذلك",
  failedHint: "تعذّر تحميل الفيديوهات. حاول بعد قليل.",
  noPage: "الصفحة غير موجودة",
  noPageHint: "ربما في العنوان خطأ.",
  deleted: "حُذف هذا الفيديو",
  deletedHint: "أزاله المضيف مع تعليقاته وإعجاباته.",
  busy: "طلبات كثيرة",
  busyHint: "طلبت شبكتك أكثر من المسموح. انتظر لحظة ثم أعد تحميل الصفحة.",
  closedHint: "التعليقات مغلقة.",
  continueAs: "المتابعة باسم {name}؟",
};

const LANGUAGES: Readonly<Record<string, Words>> = {
  en: english,
  de: german,
  es: spanish,
  ar: arabic,
};

/** Path and query of a request; also where its client named no host. */
export function targetOf({ url }: HttpRequest): URL {
  return URL.parse(url) ?? URL.parse(`http://localhost${url}`) ?? new URL("http://localhost/");
}

export interface PageWords {
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  t(key: PageKey, n?: number): string;
}

/** The language of a request: `?lang=`, or the first of `Accept-Language` that we speak; else English. */
export function wordsFor(request: HttpRequest): PageWords {
  const asked = targetOf(request).searchParams.get("lang") ?? "";
  const accepted = (request.headers.get("accept-language") ?? "")
    .split(",")
    .map((entry) => entry.split(";")[0]?.trim() ?? "");
  const language =
    [asked, ...accepted]
      .map((tag) => tag.toLowerCase().split("-")[0] ?? "")
      .find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en";
  const words = LANGUAGES[language] ?? english;
  const numbers = new Intl.NumberFormat(language, {
    notation: "compact",
    maximumFractionDigits: 1,
  });
  return {
    language,
    direction: language === "ar" ? "rtl" : "ltr",
    t: (key, n) => (n === undefined ? words[key] : words[key].replace("{n}", numbers.format(n))),
  };
}
