import { Embedding } from './embedding';

export default function Page() {
  return <Embedding />;
}
