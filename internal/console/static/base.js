// Keys and live blocks. Every page works without this file.
"use strict";
