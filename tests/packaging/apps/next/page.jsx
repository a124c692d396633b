import { Asking } from './asking';

export default function Page() {
  return <Asking />;
}
