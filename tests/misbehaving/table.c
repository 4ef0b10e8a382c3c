/* Does nothing wrong but what SPOIL does to its tables. Without one it is a good version. */
#include "subject.h"
