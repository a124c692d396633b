import { TierwiseProvider } from 'tierwise/react';

export const metadata = { title: 'Consumer' };

/** A server component: the provider is marked as the client's own. */
export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <TierwiseProvider config={{ spaces: { base: { url: 'owner/name' } } }}>{children}</TierwiseProvider>
      </body>
    </html>
  );
}
