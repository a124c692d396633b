/** The test writes the servers' addresses into the page's. */
export const serversOfPage = () => JSON.parse(new URLSearchParams(location.search).get('servers'));
