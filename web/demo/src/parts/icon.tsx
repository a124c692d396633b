/** Line icons on a 24 px grid. Always beside a word or a label: hidden from screen readers. */
const paths = {
  chat: 'M21 12a8 8 0 0 1-8 8H4l1.8-3.2A8 8 0 1 1 21 12Z',
  cache:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3Zm0 0v6c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12v6c0 1.7 3.6 3 8 3s8-1.3 8-3v-6',
  usage: 'M4 20V10m5.3 10V4m5.4 16v-7M20 20V8',
  health: 'M3 12h4l3-8 4 16 3-8h4',
  settings: 'M4 7h9m4 0h3M4 17h3m4 0h9M13 7a2 2 0 1 0 4 0 2 2 0 0 0-4 0Zm-6 10a2 2 0 1 0 4 0 2 2 0 0 0-4 0Z',
  admin: 'M12 3l7 3v5c0 4.6-2.9 8.2-7 10-4.1-1.8-7-5.4-7-10V6l7-3Zm-3 8.5 2.2 2.2L15.2 9.5',
  copy: 'M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM4 15V4a1 1 0 0 1 1-1h11',
  check: 'm4 12.5 5.5 5.5L20 7',
  close: 'M5 5l14 14M19 5 5 19',
  refresh: 'M20 11a8 8 0 0 0-14.3-4L3 10m0-6v6h6M4 13a8 8 0 0 0 14.3 4l2.7-3m0 6v-6h-6',
  stop: 'M7 7h10v10H7z',
  send: 'M12 20V4m-7 7 7-7 7 7',
  down: 'M12 4v16m7-7-7 7-7-7',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L21 21',
  download: 'M12 4v11m-5-5 5 5 5-5M4 20h16',
  trash: 'M4 6h16M9 6V4a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2m3 0-1 14a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1L6 6m4 5v5m4-5v5',
  edit: 'M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1Z',
  plus: 'M12 5v14M5 12h14',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 8c.6-3.4 3.9-5 8-5s7.4 1.6 8 5',
  why: 'M6 4v9m0 0a4 4 0 0 0 4 4h7m0 0-3-3m3 3-3 3M6 4a0 0 0 1 0 0 0',
  chevron: 'm6 9 6 6 6-6',
  alert: 'M12 4 2.5 20h19L12 4Zm0 6v4.5m0 2.7v.1',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-10v5.5m0-9.1v.1',
  options: 'M4 7h16M7 12h10m-7 5h4',
  sort: 'm7 10 5-5 5 5M7 14l5 5 5-5',
  up: 'm6 15 6-6 6 6',
  good: 'M7 11v9H4v-9h3Zm0 0 4-8a2.5 2.5 0 0 1 2.5 2.5V9H19a2 2 0 0 1 2 2.3l-1.2 7a2 2 0 0 1-2 1.7H7',
  wrong: 'M17 13V4h3v9h-3Zm0 0-4 8a2.5 2.5 0 0 1-2.5-2.5V15H5a2 2 0 0 1-2-2.3l1.2-7a2 2 0 0 1 2-1.7H17',
  external: 'M14 4h6v6m0-6-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
