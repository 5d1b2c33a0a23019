import '@picocss/pico/css/pico.indigo.min.css';
import './style.css';
import { type ComponentType, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import icon from './icon.svg';
import { pages } from './pages.js';

/** The part of the address after `#/`, which says what page is shown. */
function useRoute(): string {
  const read = () => location.hash.replace(/^#\/?/, '');
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

function App() {
  const route = useRoute();
  const page = pages.find(({ path }) => path === route) ?? pages[0]!;
  const [shown, setShown] = useState<{ path: string; Content: ComponentType }>();
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    let left = false;
    document.title = `${page.title} · multihead`;
    setFailed(false);
    page.load().then(
      (Content) => left || setShown({ path: page.path, Content }),
      () => left || setFailed(true),
    );
    return () => {
      left = true;
    };
  }, [page]);

  return (
    <>
      <button type="button" class="skip" onClick={focusMain}>
        Skip to the content
      </button>
      <header class="container">
        <nav aria-label="Pages">
          <ul>
            <li>
              <a class="brand" href="#/">
                <img src={icon} alt="" width="28" height="28" />
                multihead
              </a>
            </li>
          </ul>
          <ul>
            {pages.map(({ path, title }) => (
              <li key={path}>
                <a href={`#/${path}`} aria-current={path === page.path ? 'page' : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </header>
      <main class="container" id="main" tabIndex={-1}>
        {failed ? (
          <div role="alert">
            <h2>This page could not be fetched</h2>
            <p>Check the connection, then reload.</p>
            <button type="button" onClick={() => location.reload()}>
              Reload
            </button>
          </div>
        ) : (
          shown?.path === page.path && <shown.Content />
        )}
      </main>
      <footer class="container">
        <small>
          Everything runs on this device: what you type is sent nowhere. <Offline />
        </small>
      </footer>
    </>
  );
}

/** A link would not do: its address would be a route. */
function focusMain(): void {
  document.querySelector<HTMLElement>('#main')?.focus();
}

/** Says when the whole site is kept on the device. */
function Offline() {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    if (!import.meta.env.PROD) return;
    navigator.serviceWorker?.ready.then(() => setReady(true));
  }, []);
  return <span role="status">{ready && 'This page now works offline.'}</span>;
}

render(<App />, document.querySelector('#app')!);
